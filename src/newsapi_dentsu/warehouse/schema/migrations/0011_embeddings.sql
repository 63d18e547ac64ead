-- A vector for each text that the sentence model has read: a cache, made again from the texts. The
-- type of vectors is the engine's to choose (`vector_type`).
CREATE TABLE processed.embeddings (
    model text NOT NULL,
    text_hash text NOT NULL,
    vector vector_type NOT NULL,
    PRIMARY KEY (model, text_hash)
);
