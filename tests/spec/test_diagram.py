"""The pictures say what the table says, tell when they no longer do, and can show a run."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import graphviz
import pytest

from spec import diagram, table
from spec.diagram import DotMissing, Picture, UnknownCoverage, pictures, stale, write
from spec.table import Action, Cell, Edge, Ground, State

COMMITTED = Path(__file__).resolve().parents[2] / "diagrams"
CELLS = [(state, action) for state in table.MATRIX for action in table.ACTIONS]
IDS = [edge.id for edge in table.EDGES] + [table.cell_id(action, state) for state, action in CELLS]

states = pytest.fixture(lambda: pictures()[diagram.STATES], name="states")
matrix = pytest.fixture(lambda: pictures()[diagram.MATRIX], name="matrix")


def verb(edge: Edge) -> str:
    called = isinstance(edge.trigger, Action)
    return f"{edge.trigger.capitalize()}()" if called else str(edge.trigger)


def cells_of(dot: str) -> list[str]:
    """The cells of the matrix, in its order, as HTML."""
    return re.findall(r'<td width="150".*?</td>', dot)


def edge_line(dot: str, id: str) -> str:
    (line,) = [line for line in dot.splitlines() if f'id="{id}"' in line]
    return line


def with_edges(monkeypatch: pytest.MonkeyPatch, edges: tuple[Edge, ...]) -> None:
    monkeypatch.setattr(table, "EDGES", edges)
    monkeypatch.setattr(
        table, "_TARGET", {(edge.source, edge.trigger): edge.target for edge in edges}
    )


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diagrams")
    write(folder)
    return folder


def test_the_committed_pictures_are_fresh() -> None:
    assert stale(COMMITTED) == [], "run `orthanc-jobs diagram`"


def test_the_text_is_the_same_each_time() -> None:
    assert pictures() == pictures()
    assert list(pictures()) == [diagram.STATES, diagram.MATRIX]


def test_every_edge_is_drawn_once_in_dot(states: Picture) -> None:
    drawn = re.findall(r'^ *"(\w+)" -> "(\w+)" \[.*<[bi]>([\w()]+)</[bi]>', states.dot, re.M)
    assert drawn == [(edge.source or "new", edge.target, verb(edge)) for edge in table.EDGES]


def test_every_edge_is_drawn_once_in_mermaid(states: Picture) -> None:
    drawn = re.findall(r"^ *(\S+) --> (\w+) : (\S+)$", states.mermaid, re.M)
    assert drawn == [(edge.source or "[*]", edge.target, verb(edge)) for edge in table.EDGES]


def test_moves_and_actions_differ_by_more_than_colour(states: Picture) -> None:
    looks = {True: set(), False: set()}  # type: dict[bool, set[tuple[str, ...]]]
    for edge in table.EDGES:
        line = edge_line(states.dot, edge.id)
        found = re.search(r'style="(\w+)", arrowhead="(\w+)"', line)
        assert found
        tag = "b" if "<b>" in line else "i"
        looks[isinstance(edge.trigger, Action)].add((*found.groups(), tag))
    assert looks == {True: {("solid", "normal", "b")}, False: {("dashed", "vee", "i")}}


def test_final_states_have_two_borders(states: Picture) -> None:
    for state in State:
        found = re.search(rf'^ *"{state}" \[.*peripheries="(\d)"\]', states.dot, re.M)
        assert found
        assert found[1] == ("2" if state in table.FINAL else "1")
        assert f"class {state} {'final' if state in table.FINAL else 'open'}" in states.mermaid


def test_every_cell_says_its_status_its_effect_and_its_ground(matrix: Picture) -> None:
    drawn = cells_of(matrix.dot)
    assert len(drawn) == len(CELLS) == 28
    for html, (state, action) in zip(drawn, CELLS, strict=True):
        cell = table.cell(state, action)
        target = table.target(state, action) if isinstance(state, State) else None
        assert f"<b>{cell.status} " in html
        assert f"<i>{cell.ground}</i>" in html
        assert target is None or str(target) in html
        assert ("no change" in html or "no such job" in html) is (target is None)
        assert ('style="solid"' in html) is (cell.ground is Ground.DOCUMENTED)
        assert ("step boundary" in html) is (cell is Cell.ASK)


def test_the_mermaid_matrix_is_a_full_grid(matrix: Picture) -> None:
    lines = [line.strip() for line in matrix.mermaid.splitlines()]
    assert "columns 5" in lines
    rows = [line for line in lines if line.startswith("row_")]
    assert len(rows) == 7
    assert [row.count('["') for row in rows] == [5] * 7
    blocks = re.findall(r'(\w+)\["', "\n".join(rows))
    assert max(Counter(blocks).values()) == 1
    styled = [name for line in lines if line.startswith("class ") for name in line.split()[1]
              .split(",")]  # fmt: skip
    assert max(Counter(styled).values()) == 1
    assert set(blocks) <= set(styled)


def test_every_picture_has_title_legend_source_and_a_white_page() -> None:
    for picture in pictures().values():
        assert "<b>The states of" in picture.dot or "<b>What each action" in picture.dot
        assert 'bgcolor="white"' in picture.dot
        assert "Source: " in picture.dot
        assert "Source: " in picture.mermaid


def test_what_was_written_is_fresh_and_is_svg(fresh: Path) -> None:
    assert stale(fresh) == []
    assert sorted(path.name for path in fresh.iterdir()) == [
        f"{name}.{kind}"
        for name in sorted((diagram.STATES, diagram.MATRIX))
        for kind in ("dot", "mmd", "svg")
    ]
    for name, picture in pictures().items():
        text = (fresh / f"{name}.svg").read_text(encoding="utf-8")
        assert text.startswith("<?xml")
        assert text.splitlines()[1] == f"<!-- SHA-256 of the DOT: {picture.digest} -->"
        assert ElementTree.fromstring(text.encode()).tag.endswith("svg")


def test_the_svg_shows_every_edge(fresh: Path) -> None:
    root = ElementTree.parse(fresh / f"{diagram.STATES}.svg").getroot()
    shown = [group.get("id") for group in root.iter() if group.get("class") == "edge"]
    assert sorted(filter(None, shown)) == sorted(edge.id for edge in table.EDGES)


@pytest.mark.parametrize("kind", ["dot", "mmd", "svg"])
def test_a_file_that_is_missing_or_changed_is_stale(tmp_path: Path, kind: str) -> None:
    write(tmp_path)
    path = tmp_path / f"{diagram.MATRIX}.{kind}"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("SHA-256 of the DOT: ", "SHA-256 of the DOT: 0"), "utf-8")
    if kind != "svg":
        path.write_text(text + "\n", "utf-8")
    assert stale(tmp_path) == [path.name]
    path.unlink()
    assert stale(tmp_path) == [path.name]
    assert len(stale(tmp_path / "nowhere")) == 6


@pytest.mark.parametrize("edge", table.EDGES, ids=lambda edge: edge.id)
def test_a_changed_edge_makes_the_pictures_stale(
    edge: Edge, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = next(state for state in State if state is not edge.target)
    changed = replace(edge, target=other)
    for edges in (
        tuple(e for e in table.EDGES if e is not edge),
        tuple(changed if e is edge else e for e in table.EDGES),
    ):
        with monkeypatch.context() as patch:
            with_edges(patch, edges)
            expected = {f"{diagram.STATES}.{kind}" for kind in ("dot", "mmd", "svg")}
            assert expected <= set(stale(fresh))
    assert stale(fresh) == []


@pytest.mark.parametrize(("state", "action"), CELLS)
def test_a_changed_cell_makes_the_matrix_stale(
    state: State | str, action: Action, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = table.ACTIONS.index(action)
    row = table.MATRIX[state]
    for other in Cell:
        if other is row[here]:
            continue
        changed = (*row[:here], other, *row[here + 1 :])
        with monkeypatch.context() as patch:
            patch.setattr(table, "MATRIX", {**table.MATRIX, state: changed})
            assert stale(fresh) == [f"{diagram.MATRIX}.{kind}" for kind in ("dot", "mmd", "svg")]


def test_coverage_shows_as_marks_and_lines() -> None:
    runs = {
        "edge/pending/running/start": "covered",
        "edge/pending/failure/cancel": "deviated",
        "edge/running/failure/fail": "accepted",
        "edge/running/success/succeed": "not seen",
        "edge/retry/pending/timeout": "unreachable",
        "edge/retry/paused/pause": "unreachable",
        "action/cancel/pending": "covered",
        "action/pause/paused": "deviated",
        "action/pause/pending": "accepted",
        "action/resume/retry": "unreachable",
    }
    shown = pictures(runs)
    dot, mermaid = shown[diagram.STATES].dot, shown[diagram.STATES].mermaid
    assert "\u2713 start" in edge_line(dot, "edge/pending/running/start")
    assert 'style="dashed"' in edge_line(dot, "edge/pending/running/start")
    assert "\u2717 Cancel()" in edge_line(dot, "edge/pending/failure/cancel")
    assert 'penwidth="3.2"' in edge_line(dot, "edge/pending/failure/cancel")
    assert "\u2248 fail" in edge_line(dot, "edge/running/failure/fail")
    assert "? succeed" in edge_line(dot, "edge/running/success/succeed")
    assert "\u2013 timeout" in edge_line(dot, "edge/retry/pending/timeout")
    assert 'style="dotted"' in edge_line(dot, "edge/retry/paused/pause")
    assert "Pending --> Failure : \u2717 Cancel()" in mermaid
    assert "Pending --> Paused : Pause()" in mermaid
    html = dict(zip(CELLS, cells_of(shown[diagram.MATRIX].dot), strict=True))
    assert "\u2713 200" in html[State.PENDING, Action.CANCEL]
    assert "\u2717 200" in html[State.PAUSED, Action.PAUSE]
    assert 'border="3"' in html[State.PAUSED, Action.PAUSE]
    assert "\u2013 400" in html[State.RETRY, Action.RESUME]
    assert 'style="dotted"' in html[State.RETRY, Action.RESUME]
    assert "\u2717 200 accepted" in shown[diagram.MATRIX].mermaid
    for picture in shown.values():
        for word in ("covered", "deviated", "accepted by", "not seen", "unreachable"):
            assert word in picture.dot
            assert word not in pictures()[picture.name].dot


RED, AMBER, GREEN, GREY = "#b91c1c", "#92400e", "#166534", "#6b7280"


@pytest.mark.parametrize(
    ("mark", "ink"),
    [
        ("deviated", RED),
        ("accepted", AMBER),
        ("covered", GREEN),
        ("not seen", GREY),
        ("unreachable", GREY),
    ],
)
def test_each_mark_has_its_colour(mark: str, ink: str) -> None:
    shown = pictures({"edge/pending/failure/cancel": mark, "action/pause/paused": mark})
    assert f'color="{ink}"' in edge_line(shown[diagram.STATES].dot, "edge/pending/failure/cancel")
    cells = dict(zip(CELLS, cells_of(shown[diagram.MATRIX].dot), strict=True))
    assert f'color="{ink}"' in cells[State.PAUSED, Action.PAUSE]
    assert ink not in cells[State.PAUSED, Action.CANCEL]


def test_every_id_can_be_covered_and_others_are_passed_over(tmp_path: Path) -> None:
    paths = write(tmp_path, {**dict.fromkeys(IDS, "covered"), "race/both/step-fails": "deviated"})
    assert len(paths) == 6
    assert len(stale(tmp_path)) == 6
    text = (tmp_path / f"{diagram.STATES}.dot").read_text(encoding="utf-8")
    assert text.count("\u2713") == len(table.EDGES) + 1  # and the legend


@pytest.mark.parametrize(
    ("coverage", "message"),
    [
        ({"edge/pending/success/hope": "covered"}, "edge/pending/success/hope"),
        ({"action/cancel/pending": "perhaps"}, "'perhaps'"),
    ],
)
def test_an_unknown_coverage_is_refused(coverage: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownCoverage, match=message):
        pictures(coverage)


def test_without_dot_one_clear_error_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*args: object, **options: object) -> str:
        raise graphviz.ExecutableNotFound(["dot"])

    monkeypatch.setattr(graphviz.Source, "pipe", missing)
    with pytest.raises(DotMissing, match="apt-get install graphviz"):
        write(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert len(pictures()) == 2
