"""Which reader of tones the settings name."""

from newsapi_dentsu.meaning.tone import ToneReader, tone_model
from newsapi_dentsu.settings import Settings


def open_tone_reader(settings: Settings) -> ToneReader:
    """What reads tones by these settings; nothing is loaded yet."""
    if settings.sentiment_endpoint is None:
        return tone_model()
    # Imported where it is used: others needn't wait for a client of HTTP.
    from newsapi_dentsu.meaning.tone_endpoint import EndpointReader

    return EndpointReader(
        settings.sentiment_endpoint, settings.sentiment_endpoint_key, tone_model()
    )
