"""Folders of plug-ins: one module each, found in name order, held to the `typing.Protocol` of its folder.

Every module of such a folder is a plug-in; none is passed over, whatever it is called, and shared parts lie beside the
folder. A module that cannot be imported raises what its import raises; one that lacks a name of its Protocol, or has
something else under it, raises `ContractError` with the file and the name. Nothing is registered by being imported, and
nothing mutable is kept. What a check at run time cannot see (argument and return types) mypy holds to the same Protocol
in `tests/plugins`.
"""

from __future__ import annotations

import builtins
import importlib
import pkgutil
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import TypeVar, cast

P = TypeVar("P")
Contract = Callable[..., P]
"""The Protocol class of a folder; `type[P]` would be for classes that can be made (mypy: type-abstract)."""


def names(folder: ModuleType) -> list[str]:
    """The names of the modules of a folder (a package), in name order; none of them is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(folder.__path__))


def load(folder: ModuleType, name: str, contract: Contract[P]) -> P:
    """One module of a folder, as its Protocol `contract` describes it. Raises `ContractError`."""
    module = importlib.import_module(f"{folder.__name__}.{name}")
    if found := faults(module, contract):
        from analyzer.defect import ContractError  # late: help is printed without it

        raise ContractError(f"{module.__file__} is no {contract.__name__}: {'; '.join(found)}")
    return cast(P, module)


def load_all(folder: ModuleType, contract: Contract[P]) -> tuple[P, ...]:
    """Every module of a folder, in name order. Raises `ContractError`."""
    return tuple(load(folder, name, contract) for name in names(folder))


def faults(module: ModuleType, contract: Contract[object]) -> list[str]:
    """What a module lacks of the members of its Protocol, or has otherwise, a phrase each."""
    found = []
    for name, told in vars(contract).get("__annotations__", {}).items():
        found += _value_faults(module, name, str(told))
    for name, member in vars(contract).items():
        if isinstance(member, property):
            found += _value_faults(module, name, str(getattr(member.fget, "__annotations__", {}).get("return", "")))
        elif isinstance(member, FunctionType) and not name.startswith("_"):
            found += _function_faults(module, name, member)
    return found


def _value_faults(module: ModuleType, name: str, annotation: str) -> list[str]:
    """A value must be there, of the class that its annotation names where that is one of Python's own."""
    if not hasattr(module, name):
        return [f"{name} is missing"]
    wanted = getattr(builtins, annotation.partition("[")[0], object)
    value = getattr(module, name)
    return [] if isinstance(value, wanted) else [f"{name} is {type(value).__name__}, not {annotation}"]


def _function_faults(module: ModuleType, name: str, member: FunctionType) -> list[str]:
    """A function must be there, and take the arguments of the Protocol's, by their names."""
    function = getattr(module, name, None)
    if function is None:
        return [f"{name}() is missing"]
    if not callable(function):
        return [f"{name} is no function"]
    wanted, given = _arguments(member)[1:], _arguments(function)
    if isinstance(function, FunctionType) and given != wanted:
        return [f"{name}() takes ({', '.join(given)}), not ({', '.join(wanted)})"]
    return []


def _arguments(function: object) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return () if code is None else tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
