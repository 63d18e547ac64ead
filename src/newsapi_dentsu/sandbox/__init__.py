"""A local server that answers as newsapi.ai does, over a generated corpus that says so."""

from newsapi_dentsu.sandbox.articles import Corpus, ListCorpus, SandboxArticle
from newsapi_dentsu.sandbox.corpus import GeneratedCorpus
from newsapi_dentsu.sandbox.faults import Fault
from newsapi_dentsu.sandbox.server import SANDBOX_KEY, Sandbox
from newsapi_dentsu.sandbox.service import RequestLog

__all__ = [
    "SANDBOX_KEY",
    "Corpus",
    "Fault",
    "GeneratedCorpus",
    "ListCorpus",
    "RequestLog",
    "Sandbox",
    "SandboxArticle",
]
