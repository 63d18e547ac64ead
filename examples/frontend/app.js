"use strict";

// The server: `newsapi serve --cors-origin ORIGIN_OF_THIS_PAGE`. A key, where one is needed, belongs
// into a server of yours and not into a page that others load.
const SERVER = new URLSearchParams(location.search).get("server") || "http://127.0.0.1:8060";

const STORIES = `
  query Stories($days: Int!, $topic: String, $after: String) {
    stories(first: 10, days: $days, topic: $topic, after: $after) {
      nodes { storyId title link sourceCount places(first: 4) { sourceName } }
      pageInfo { hasNextPage endCursor }
    }
  }`;
const TOPICS = `query Topics($days: Int!) { facets(days: $days) { topics { value articles } } }`;

const list = document.getElementById("stories");
const more = document.getElementById("more");
const topic = document.getElementById("topic");
const days = document.getElementById("days");
const status = document.getElementById("status");
let after = null;

async function ask(query, variables) {
  const answer = await fetch(`${SERVER}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  if (answer.status === 429) {
    throw new Error(`too many requests: come again in ${answer.headers.get("Retry-After")} s`);
  }
  const told = await answer.json();
  if (told.errors) throw new Error(told.errors[0].message);
  if (!told.data) throw new Error(told.detail || answer.statusText);
  return told.data;
}

// Texts of news are shown as texts: nothing in them becomes a part of the page.
function entry(story) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.textContent = story.title;
  if (/^https?:/.test(story.link)) link.href = story.link;
  link.rel = "noreferrer";
  const where = document.createElement("small");
  const names = story.places.map((place) => place.sourceName).join(", ");
  where.textContent = ` ${story.sourceCount} sources: ${names}`;
  item.append(link, document.createElement("br"), where);
  return item;
}

async function show(fresh) {
  status.textContent = "Loading …";
  try {
    const variables = { days: Number(days.value), topic: topic.value || null, after: fresh ? null : after };
    const { stories } = await ask(STORIES, variables);
    const items = stories.nodes.map(entry);
    if (fresh) list.replaceChildren(...items);
    else list.append(...items);
    after = stories.pageInfo.endCursor;
    more.hidden = !stories.pageInfo.hasNextPage;
    status.textContent = list.children.length ? "" : "Nothing in these days.";
  } catch (error) {
    status.textContent = error.message;
  }
}

async function offer() {
  try {
    const { facets } = await ask(TOPICS, { days: 31 });
    for (const { value, articles } of facets.topics) topic.append(new Option(`${value} (${articles})`, value));
  } catch {
    // The list says what is wrong.
  }
}

more.addEventListener("click", () => show(false));
topic.addEventListener("change", () => show(true));
days.addEventListener("change", () => show(true));
offer();
show(true);
