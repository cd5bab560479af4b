"""What a setting of an analysis is: its name, default, values and help text, all in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

#: Key of the metadata of a field that is a setting.
_KEY = "setting"
#: What asks for the default of a setting in words.
_BLANK: tuple[Any, ...] = ("", [""], ("",))
#: Settings of the classes that were asked for already.
_FOUND: dict[type[Any], tuple[Setting, ...]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Attributes
    ----------
    name : str
        Keyword in Python, key of the configuration file and of JSON documents.
    field : str
        Field of the class that holds it.
    default : Any
        Its value where nobody says otherwise.
    check : callable
        Returns the value as the class holds it from the name and from what was given.
    help : str
        What it is, in the words of the command line.
    toml : tuple of type
        What the configuration file may hold.
    many : bool
        Whether its flag may be repeated.
    words : callable
        Reads the value from a text of the command line or the configuration.
    values : tuple of str
        The words that it can be, where they are few.
    home : str
        Name of the class that holds it.
    """

    name: str
    field: str
    default: Any
    check: Callable[[str, Any], Any]
    help: str
    toml: tuple[type, ...]
    many: bool
    words: Callable[[str], Any]
    values: tuple[str, ...]
    home: str

    @property
    def flag(self) -> str:
        """Its option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    def read(self, said: Any) -> Any:
        """Return the value that a word or a number asks for; a blank one asks for the default."""
        said = self.default if said in _BLANK else said
        return self.words(said) if isinstance(said, str) else said


def setting(
    default: Any,
    check: Callable[[str, Any], Any],
    help: str,
    *,
    toml: tuple[type, ...] = (str,),
    many: bool = False,
    name: str = "",
    words: Callable[[str], Any] = str,
    values: tuple[str, ...] = (),
) -> Any:
    """Return the field of a dataclass that is a setting."""
    about = {
        "check": check, "help": help, "toml": toml, "many": many, "name": name, "words": words,
        "values": values,
    }  # fmt: skip
    return field(default=default, metadata={_KEY: about})


def settings_in(kind: type[Any]) -> tuple[Setting, ...]:
    """Return the settings that a class holds, in their order."""
    if kind in _FOUND:
        return _FOUND[kind]
    found = []
    for f in fields(kind):
        if _KEY not in f.metadata:
            continue
        about = dict(f.metadata[_KEY])
        about["name"] = about["name"] or f.name
        found.append(Setting(field=f.name, default=f.default, home=kind.__name__, **about))
    return _FOUND.setdefault(kind, tuple(found))


class Settings:
    """A frozen dataclass whose fields are settings; each is checked when it is made."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Check every field, and hold it in its one form."""
        for s in settings_in(type(self)):
            object.__setattr__(self, s.field, s.check(s.name, getattr(self, s.field)))

    @classmethod
    def read(cls, *given: Mapping[str, Any]) -> Self:
        """Return the value that mappings by name ask for, the first of them over the next.

        Names of other settings are left to others; None means that nothing is said, a blank text
        that the default is wanted whatever the next mapping says.
        """
        chosen = {}
        for s in settings_in(cls):
            said = next((g[s.name] for g in given if g.get(s.name) is not None), s.default)
            chosen[s.field] = s.read(said)
        return cls(**chosen)

    def to_record(self) -> dict[str, Any]:
        """Return every setting by its name, as JSON holds it; `read` takes it back."""
        content = {s.name: getattr(self, s.field) for s in settings_in(type(self))}
        return {k: list(v) if isinstance(v, tuple) else _plain(v) for k, v in content.items()}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
