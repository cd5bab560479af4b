"""Public names that are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


class LazyPackage(ModuleType):
    """A package whose public names are imported when they are first used.

    A function may share its name with the module or the subpackage that holds it, such as
    `metaalliance.influence` or `metaalliance.plots.forest`. When Python imports that module it
    binds it to its name in the package; here the function stays, whatever is imported first.
    """

    def __getattr__(self, name: str) -> Any:
        homes: Mapping[str, str] = self.__dict__["_HOMES"]
        if name in self.__dict__.get("_SUBPACKAGES", ()):
            return import_module(f"{self.__name__}.{name}")
        if name not in homes:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in self.__dict__["_HOMES"]):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        own = self.__dict__
        return sorted({*own["_HOMES"], *own.get("_SUBPACKAGES", ()), *own})


def make_lazy(package: str) -> None:
    """Make a package import its public names on demand.

    Its table `_HOMES` gives the module of each name, its `_SUBPACKAGES` the names that are
    packages themselves.
    """
    sys.modules[package].__class__ = LazyPackage
