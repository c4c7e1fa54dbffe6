"""Documents through pydantic, and what pydantic finds as faults in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from somahub.catalog.faults import NOTHING, Fault, Path, nearest, words
from somahub.catalog.reading import Document

Model = TypeVar("Model", bound=BaseModel)

_UNKNOWN_KEY: Final = "is not a known key"
_RULES: Final = {
    "decimal_type": "must be a number",
    "dict_type": "must be a mapping (key: value)",
    "float_type": "must be a number",
    "finite_number": "must be a number that ends",
    "greater_than_equal": "must be {ge} or more",
    "int_type": "must be a whole number",
    "less_than_equal": "must be {le} or less",
    "list_type": "must be a list",
    "missing": "is missing",
    "model_type": "must be a mapping (key: value)",
    "string_too_long": "must have at most {max_length} characters",
    "string_type": "must be text",
    "too_short": "must have at least one entry",
}


def validate(kind: type[Model], document: Document) -> tuple[Model | None, list[Fault]]:
    """``document`` as a model, and every fault in it; no model where there is one."""
    try:
        return kind.model_validate(document.values), []
    except ValidationError as error:
        return None, list(_faults(kind, document, error))


def _faults(kind: type[BaseModel], document: Document, error: ValidationError) -> Iterator[Fault]:
    found = [_fault(kind, document, dict(detail)) for detail in error.errors(include_url=False)]
    # A misspelt key is one mistake: that the key meant is missing is not said again.
    meant = {(*fault.path[:-1], fault.nearest) for fault in found if fault.rule == _UNKNOWN_KEY}
    return (fault for fault in found if not (fault.rule == _RULES["missing"] and fault.path in meant))


def _fault(kind: type[BaseModel], document: Document, detail: Mapping[str, Any]) -> Fault:
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    value, context, word = detail["input"], detail.get("ctx", {}), ""
    match detail["type"]:
        case "missing":
            rule, value = _RULES["missing"], NOTHING
        case "extra_forbidden":
            rule, value, word = _UNKNOWN_KEY, NOTHING, nearest(path[-1], _keys(kind, path[:-1]))
        case "literal_error":
            known = [text.strip("'") for text in str(context["expected"]).replace(" or ", ", ").split(", ")]
            rule, word = f"must be {words(known)}", nearest(value, known)
        case "rule":
            rule = str(context["rule"])
        case "string_type" if isinstance(value, bool | int | float) or hasattr(value, "is_finite"):
            rule = "must be text: put it in quotes"
        case other:
            rule = _RULES[other].format(**context) if other in _RULES else str(detail["msg"])
    return Fault(document.file, document.line(path), path, rule, value, word)


def _keys(kind: type[BaseModel], path: Path) -> list[str]:
    """The keys that a mapping at ``path`` of a document may have."""
    model: Any = kind
    for part in path:
        if isinstance(part, str):
            fields = model.model_fields
            model = _model_in(fields[part if part in fields else "root"].annotation)
    return sorted(model.model_fields)


def _model_in(annotation: Any) -> Any:
    """The document model inside an annotation such as ``list[Toleration]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)
