#!/usr/bin/env python3
"""Writes the tables of README.md that come from results.toml, between the marks they stand between."""

import argparse
import statistics
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
BACKBONES = {"mobilenet_v3_small": "MobileNetV3-small", "efficientnet_b0": "EfficientNet-B0", "vgg16": "VGG16"}
TASKS = {"size_top1": "size", "type_top1": "type"}
TWO_TASKS = ["size", "type"]


def of(runs: list[dict], backbone: str, tasks: list[str]) -> list[dict]:
    return [run for run in runs if run["backbone"] == backbone and run["tasks"] == tasks]


def percent(values: list[float]) -> str:
    """Mean over the seeds, and their sample deviation where there is more than one."""
    if not values:
        return ""
    mean = f"{100 * statistics.mean(values):.2f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * statistics.stdev(values):.2f}"


def difference(single: list[float], multi: list[float]) -> str:
    if not single or not multi:
        return ""
    return f"{100 * (statistics.mean(multi) - statistics.mean(single)):+.2f}"


def accuracy(runs: list[dict]) -> list[str]:
    lines = [
        "| backbone | task | single-task, % | multi-task, % | difference, points | seeds |",
        "|---|---|---|---|---|---|",
    ]
    for backbone, title in BACKBONES.items():
        for metric, task in TASKS.items():
            single = [run["metrics"][metric] for run in of(runs, backbone, [task])]
            multi = [run["metrics"][metric] for run in of(runs, backbone, TWO_TASKS)]
            seeds = str(len(multi)) if len(single) == len(multi) else f"{len(single)} and {len(multi)}"
            cells = [title, task, percent(single), percent(multi), difference(single, multi), seeds]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def parameters(runs: list[dict]) -> list[str]:
    lines = [
        "| backbone | `size` alone | `type` alone | the two as a set | multi-task | saved |",
        "|---|---|---|---|---|---|",
    ]
    for backbone, title in BACKBONES.items():
        groups = [of(runs, backbone, tasks) for tasks in (["size"], ["type"], TWO_TASKS)]
        if not all(groups):
            continue
        size, type_, multi = (group[0]["parameters"] for group in groups)
        saved = 1 - multi / (size + type_)
        lines.append(f"| {title} | {size:,} | {type_:,} | {size + type_:,} | {multi:,} | {100 * saved:.0f} % |")
    return lines


def all_runs(runs: list[dict]) -> list[str]:
    lines = [
        "| model | seed | images x epochs | size, % | type, % | angle, MAE | processor time, s | wall time, s | bytes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        metrics = run["metrics"]
        classes = [percent([metrics[name]]) if name in metrics else "" for name in TASKS]
        angle = f"{metrics['angle_mae']:.2f}°" if "angle_mae" in metrics else ""
        cells = [f"`{run['model']}`", str(run["seed"]), f"{run['train_images']:,} x {run['epochs']}", *classes, angle]
        cells += [f"{run['processor_s']:.0f}", f"{run['train_s']:.0f}", f"{run['onnx_bytes']:,}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def fill(text: str, name: str, lines: list[str]) -> str:
    """Puts the lines between `<!-- name -->` and `<!-- /name -->`."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"error: the README has no {begin.strip()} ... {end}")
    return before + begin + "\n".join(lines) + "\n" + end + after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=HERE / "results.toml", metavar="FILE")
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", metavar="FILE")
    args = parser.parse_args()
    runs = tomllib.loads(args.results.read_text())["run"]
    text = args.readme.read_text()
    for name, table in (("accuracy", accuracy), ("parameters", parameters), ("runs", all_runs)):
        text = fill(text, name, table(runs))
    args.readme.write_text(text)


if __name__ == "__main__":
    main()
