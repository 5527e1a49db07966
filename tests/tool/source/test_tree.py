"""Files of a project that rules read."""

from __future__ import annotations

import pytest

from .._project import Tree

GUARDS = ("__init__.py", "_findings.py", "_live_routes.py", "_live_tables.py", "failures/__init__.py")


def test_guards_that_a_service_carries_are_not_its_own(tree: Tree) -> None:
    tree.write({f"src/shop/checks/{name}": "import this\n" for name in GUARDS})
    tree.write({"src/shop/main.py": "from .checks import refuse\n"})
    source = tree.facts.source
    assert set(source.files) == {"src/shop/__init__.py", "src/shop/main.py"}
    assert set(source.unparsed) == {f"src/shop/checks/{name}" for name in GUARDS}


@pytest.mark.parametrize("missing", [name for name in GUARDS if name.startswith("_") and name != "__init__.py"])
def test_another_folder_of_that_name_is_the_owners(tree: Tree, missing: str) -> None:
    names = {f"src/shop/checks/{name}" for name in GUARDS if name != missing}
    tree.write(dict.fromkeys(names, ""))
    assert names <= set(tree.facts.source.files)
