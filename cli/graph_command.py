"""`dagscope graph`."""

import json

from dagscope.dag.project.project import Project


def as_mermaid(project: Project) -> str:
    """The DAG as a Mermaid flowchart, one box per stage."""
    lines = ["flowchart LR"]
    stages: dict[str, list[str]] = {}
    for asset in project.assets.values():
        stages.setdefault(asset.stage, []).append(asset.name)
    for stage, names in stages.items():
        lines.append(f"  subgraph {stage}")
        for name in names:
            label = f"{name.split('.', 1)[1]}<br/>{project.assets[name].materialization}"
            lines.append(f'    {_node(name)}["{label}"]')
        lines.append("  end")
    lines += [
        f"  {_node(upstream)} --> {_node(asset.name)}"
        for asset in project.assets.values()
        for upstream in asset.upstreams
    ]
    return "\n".join(lines)


def _node(asset: str) -> str:
    return asset.replace(".", "__")


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
