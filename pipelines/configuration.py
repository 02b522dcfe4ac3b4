"""The configuration: one TOML file, and secrets from the environment only.

The file is found by ``--config``, else ``SMS_EVIDENCE_CONFIG``, else ``sms-evidence.toml`` in the current folder;
relative paths in it are relative to it. Each source's table is checked by the settings model of its connector.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from connectors import installed

FILE = "sms-evidence.toml"
VARIABLE = "SMS_EVIDENCE_CONFIG"
SECRETS = ("username", "password", "token", "client_id", "client_secret")

_SECRET_WORDS = {
    *SECRETS,
    *("user", "passwd", "passphrase", "secret", "pat", "api_key", "apikey", "api_token", "access_token"),
}
_ENVIRONMENT = {"user": "username", "passwd": "password", "passphrase": "password", "secret": "client_secret"}
_NAME = re.compile(r"[a-z][a-z0-9-]*")


Target = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class ConfigurationError(Exception):
    """The configuration can't be used; the message names the file, the key, and what to write."""


class Organization(BaseModel):
    """Whose services these are, and the time zone that months and days of the reports are in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    time_zone: str

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder of zones
            raise ValueError("is no time zone; write it like Europe/Amsterdam") from error
        return name


class Store(BaseModel):
    """The two files; see the README for what is in which."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    evidence: Path = Path("var/evidence.duckdb")
    warehouse: Path = Path("var/warehouse.duckdb")


class Policy(BaseModel):
    """What the organisation decides: below how many units a percentage is shown with n / N first, and how many days
    after a change an incident still counts as caused by it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    small_n: int = Field(20, ge=0, strict=True)
    observation_days: int = Field(30, ge=0, strict=True)


class Metrics(BaseModel):
    """Targets by metric, or by metric and measure: ``"SLM-01" = 97`` or ``"SLM-04.percent" = 1``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: dict[str, Target] = {}

    @field_validator("targets", mode="before")
    @classmethod
    def _flat(cls, table: object) -> object:
        """``SLM-04.percent = 1`` without quotes is a table within the table to TOML; it means the same."""
        if not isinstance(table, dict):
            return table
        flat: dict[str, object] = {}
        for key, value in table.items():
            flat |= (
                {f"{key}.{name}": inner for name, inner in value.items()} if isinstance(value, dict) else {key: value}
            )
        return flat


class _File(BaseSettings):
    model_config = SettingsConfigDict(extra="forbid")

    organization: Organization
    store: Store = Store()
    policy: Policy = Policy()
    metrics: Metrics = Metrics()
    sources: dict[str, dict[str, object]]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The file and nothing else: the environment can't change a figure in silence."""
        return (TomlConfigSettingsSource(settings_cls),)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A checked configuration file. ``values`` maps source -> field -> vendor word -> canonical word."""

    path: Path
    text: str
    organization: Organization
    store: Store
    sources: Mapping[str, BaseModel]
    values: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    small_n: int = 20
    observation_days: int = 30
    targets: Mapping[str, float] = field(default_factory=dict)


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Configuration:
    """Read and check the configuration.

    Raises:
        ConfigurationError: there is none, or something in it is wrong.
    """
    path = (path or Path(environ.get(VARIABLE) or FILE)).absolute()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"there is no configuration at {path}: name one with --config or {VARIABLE}, or run `sms-evidence demo`"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    _refuse_secrets(path, document, ())
    model = type("File", (_File,), {"model_config": SettingsConfigDict(extra="forbid", toml_file=path)})
    try:
        file = model()
    except ValidationError as error:
        # "from None", here and below: pydantic's own text repeats what stands in the file
        raise ConfigurationError(_explain(path, error, (), _File)) from None
    _check_names(path, file.sources)
    sources, values = {}, {}
    for name, table in file.sources.items():
        sources[name], values[name] = _source(path, name, table)
    folder = path.parent
    store = Store(evidence=folder / file.store.evidence, warehouse=folder / file.store.warehouse)
    if store.evidence == store.warehouse:
        raise ConfigurationError(f"{path}: store.evidence and store.warehouse must be two files")
    _check_targets(path, file.metrics.targets)
    return Configuration(
        path,
        text,
        file.organization,
        store,
        sources,
        values,
        file.policy.small_n,
        file.policy.observation_days,
        file.metrics.targets,
    )


def secrets(source: str, environ: Mapping[str, str] = os.environ) -> dict[str, SecretStr]:
    """The secrets of a source that the environment has, by their lower-case names.

    Each is `SMS_EVIDENCE_<SOURCE>_<NAME>`, or the content of the file that `..._FILE` names.

    Raises:
        ConfigurationError: a named file can't be read, or both ways are used at once.
    """
    found = {}
    for name in SECRETS:
        variable = f"{prefix(source)}_{name.upper()}"
        value, file = environ.get(variable), environ.get(f"{variable}_FILE")
        if value and file:
            raise ConfigurationError(f"{variable} and {variable}_FILE are both set: unset one")
        if file:
            try:
                value = Path(file).read_text(encoding="utf-8").removesuffix("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{variable}_FILE names a file that can't be read: {file}") from error
            if not value:
                raise ConfigurationError(f"{variable}_FILE names an empty file: {file}")
        if value:
            if any(ord(c) < 32 or ord(c) == 127 for c in value):
                raise ConfigurationError(f"{variable} has a line break or another control character in it")
            found[name] = SecretStr(value)
    return found


def prefix(source: str) -> str:
    """What the environment variables of a source begin with."""
    return "SMS_EVIDENCE_" + re.sub(r"[^A-Z0-9]", "_", source.upper())


def variables(source: str) -> list[str]:
    """Every environment variable that a source reads, but for the same ones with ``_FILE`` behind."""
    return [f"{prefix(source)}_{name.upper()}" for name in SECRETS]


def _check_names(path: Path, sources: Mapping[str, object]) -> None:
    if not sources:
        raise ConfigurationError(f"{path}: [sources] is empty: add a table such as [sources.snow-prod]")
    for name in sources:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{path}: source name {name!r}: use small letters, digits and hyphens, a letter first"
            )
    for one, other in permutations(sources, 2):
        for variable in variables(one):
            # a source "jira-token" beside "jira": whose is SMS_EVIDENCE_JIRA_TOKEN_FILE?
            if f"{prefix(other)}_".startswith(f"{variable}_"):
                raise ConfigurationError(
                    f"{path}: sources {one!r} and {other!r} collide in the environment: {variable} belongs to {one!r} "
                    f"and begins every variable of {other!r}: rename one"
                )


def _check_targets(path: Path, targets: Mapping[str, float]) -> None:
    """A target for a metric that does not exist would change nothing, and nobody would see it."""
    if not targets:
        return
    from warehouse.metrics import definitions  # brings DuckDB, which the command line imports late

    known: list[str] = []
    for definition in definitions():
        known += [definition.id, *(f"{definition.id}.{measure.name}" for measure in definition.measures)]
    for key in targets:
        if key not in known:
            raise ConfigurationError(f'{path}: metrics.targets."{key}" is not a known metric{_nearest(key, known)}')


def _source(path: Path, name: str, table: Mapping[str, object]) -> tuple[BaseModel, dict[str, dict[str, str]]]:
    own = dict(table)
    values = _words(path, name, own.pop("values", {}))
    kind = own.get("connector")
    packages = installed()
    if kind not in packages:
        raise ConfigurationError(
            f"{path}: sources.{name}.connector is {kind!r}; there are: {', '.join(sorted(packages))}"
            f"{_nearest(str(kind), packages)}"
        )
    model: type[BaseModel] = packages[str(kind)].Settings
    try:
        return _knowing(_anchored(model.model_validate(own), path.parent), values), values
    except ValidationError as error:
        raise ConfigurationError(_explain(path, error, ("sources", name), model)) from None


def _anchored(settings: BaseModel, folder: Path) -> BaseModel:
    """The settings with their relative paths below the folder, as far as they say how that is done."""
    parts = {name: getattr(settings, name) for name in type(settings).model_fields}
    anchored = {name: part.relative_to(folder) for name, part in parts.items() if _has_paths(part)}
    settings = settings.model_copy(update=anchored) if anchored else settings
    return settings.relative_to(folder) if _has_paths(settings) else settings  # type: ignore[attr-defined]


def _knowing(settings: BaseModel, values: Mapping[str, Mapping[str, str]]) -> BaseModel:
    """The settings with the meanings of words, for a connector that judges words while it reads."""
    return settings.knowing(values) if hasattr(settings, "knowing") else settings


def _has_paths(part: object) -> bool:
    return isinstance(part, BaseModel) and hasattr(part, "relative_to")


def _words(path: Path, name: str, table: object) -> dict[str, dict[str, str]]:
    if not isinstance(table, dict):
        raise ConfigurationError(
            f'{path}: sources.{name}.values must be tables like [sources.{name}.values."incident.state"]'
        )
    for field_name, words in table.items():
        if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
            raise ConfigurationError(
                f"{path}: sources.{name}.values.{field_name!r} must map vendor words to ours, both as text"
            )
    return table


def _refuse_secrets(path: Path, node: object, place: tuple[str, ...]) -> None:
    """A secret in the file is refused before anything else, and never repeated."""
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        word = key.lower().replace("-", "_")
        if word in _SECRET_WORDS and not isinstance(value, dict):
            start = prefix(place[1]) if len(place) > 1 and place[0] == "sources" else "SMS_EVIDENCE_<SOURCE>"
            name = word if word in SECRETS else _ENVIRONMENT.get(word, "token")
            raise ConfigurationError(
                f"{path}: {'.'.join((*place, key))} does not belong into the file: set {start}_{name.upper()} "
                "in the environment instead"
            )
        if "values" not in place:
            _refuse_secrets(path, value, (*place, key))


def _explain(path: Path, error: ValidationError, place: tuple[str, ...], model: type[BaseModel]) -> str:
    """The first thing wrong, in one line, without the value; a misspelt key comes before the one that it leaves out."""
    found = error.errors(include_url=False, include_input=False)
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    where = ".".join((*place, *(str(part) for part in first["loc"])))
    more = error.error_count() - 1
    also = f" (and {more} more)" if more else ""
    if first["type"] == "extra_forbidden":
        known = _known(model, first) + (["values"] if place and len(first["loc"]) == 1 else [])
        near = _nearest(str(first["loc"][-1]), known)
        return f"{path}: {where} is not a known key{near or '; known are: ' + ', '.join(sorted(known))}{also}"
    if first["type"] == "missing":
        return f"{path}: {where} is missing{also}"
    return f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}{also}"


def _known(model: type[BaseModel], error: ErrorDetails) -> list[str]:
    """The keys that may stand where an unknown one stands."""
    current: type[BaseModel] | None = model
    for part in error["loc"][:-1]:
        annotation = (
            current.model_fields[str(part)].annotation if current and str(part) in current.model_fields else None
        )
        current = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    return list(current.model_fields) if current else []


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
