"""File systems that lack what most have."""

import errno
import os

import pytest


def refuse(patch: pytest.MonkeyPatch, *names: str) -> None:
    """Have these functions of `os` refused, as where there are no links."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    for name in names:
        patch.setattr(os, name, refused)
