"""`dagscope graph`."""

import json
from collections.abc import Mapping

from dagscope.dag.project.project import Project


def as_mermaid(project: Project) -> str:
    """The DAG as a Mermaid flowchart, one box per stage."""
    lines = ["flowchart LR"]
    stages: dict[str, list[str]] = {}
    for asset in project.assets.values():
        stages.setdefault(asset.stage, []).append(asset.name)
    ids = _ids(stages)
    for stage, names in stages.items():
        lines.append(f"  subgraph {stage}")
        for name in names:
            label = f"{name.split('.', 1)[1]}<br/>{project.assets[name].materialization}"
            lines.append(f'    {ids[name]}["{label}"]')
        lines.append("  end")
    lines += [
        f"  {ids[upstream]} --> {ids[asset.name]}" for asset in project.assets.values() for upstream in asset.upstreams
    ]
    return "\n".join(lines)


def _ids(stages: Mapping[str, list[str]]) -> dict[str, str]:
    """An id for each asset: no other asset has it, nor a stage."""
    ids: dict[str, str] = {}
    taken = set(stages)
    for name in sorted(name for names in stages.values() for name in names):
        id_ = name.replace(".", "__")
        while id_ in taken:
            id_ += "_"
        taken.add(id_)
        ids[name] = id_
    return ids


def as_json(project: Project) -> str:
    """The DAG as JSON, with the nodes in topological order."""
    nodes = [
        {
            "name": asset.name,
            "materialization": asset.materialization,
            "connection": asset.connection,
            "upstreams": asset.upstreams,
            "downstreams": project.graph.downstreams[asset.name],
            "tests": asset.tests,
        }
        for asset in project.assets.values()
    ]
    return json.dumps({"project": project.name, "nodes": nodes}, indent=2)
