#!/usr/bin/env python3
"""Writes the tables of README.md that come from results.toml, each between its two marks."""

import argparse
import statistics
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
BACKBONES = {"mobilenet_v3_small": "MobileNetV3-small", "efficientnet_b0": "EfficientNet-B0", "vgg16": "VGG16"}
TASKS = {"size": "size_top1", "type": "type_top1"}
BOTH = list(TASKS)
NOTHING = "–"


def data_of(run: dict) -> str:
    words = run["command"].split()
    return words[words.index("--data") + 1]


def of(runs: list[dict], data: str, backbone: str, tasks: list[str]) -> list[dict]:
    wanted = (data, backbone, tasks)
    return [run for run in runs if (data_of(run), run["backbone"], run["tasks"]) == wanted]


def percent(values: list[float]) -> str:
    """Mean over the seeds, and their sample deviation where there is more than one."""
    if not values:
        return NOTHING
    mean = f"{100 * statistics.mean(values):.2f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * statistics.stdev(values):.2f}"


def difference(single: list[float], multi: list[float]) -> str:
    if not single or not multi:
        return NOTHING
    points = round(100 * (statistics.mean(multi) - statistics.mean(single)), 2)
    return f"{points:+.2f}" if points else "0.00"


def seeds(single: list[float], multi: list[float]) -> str:
    return str(len(multi)) if len(single) == len(multi) else f"{len(single)} and {len(multi)}"


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [row(heads), "|" + "---|" * len(heads), *map(row, rows)]


def accuracy(runs: list[dict]) -> list[str]:
    rows = []
    for data in dict.fromkeys(map(data_of, runs)):
        for backbone, title in BACKBONES.items():
            for task, metric in TASKS.items():
                single = [run["metrics"][metric] for run in of(runs, data, backbone, [task])]
                multi = [run["metrics"][metric] for run in of(runs, data, backbone, BOTH)]
                if single or multi:
                    shown = [percent(single), percent(multi), difference(single, multi), seeds(single, multi)]
                    rows.append([f"`{data}`", title, task, *shown])
    return table(["data", "backbone", "task", "single-task, %", "multi-task, %", "difference, points", "seeds"], rows)


def parameters(runs: list[dict]) -> list[str]:
    rows = []
    for backbone, title in BACKBONES.items():
        found = {tuple(run["tasks"]): run["parameters"] for run in runs if run["backbone"] == backbone}
        alone = [found.get((task,)) for task in BOTH]
        multi = found.get(tuple(BOTH))
        if multi and all(alone):
            saved = f"{100 * (1 - multi / sum(alone)):.0f} %"
            rows.append([title, *(f"{count:,}" for count in (*alone, sum(alone), multi)), saved])
    return table(["backbone", "`size` alone", "`type` alone", "the two as a set", "multi-task", "saved"], rows)


def all_runs(runs: list[dict]) -> list[str]:
    rows = []
    for run in runs:
        metrics = run["metrics"]
        classes = [percent([metrics[metric]] if metric in metrics else []) for metric in TASKS.values()]
        angle = f"{metrics['angle_mae']:.2f}°" if "angle_mae" in metrics else NOTHING
        times = [f"{run['processor_s']:.0f}", f"{run['train_s']:.0f}"]
        rows.append([f"`{run['model']}`", *classes, angle, *times, f"{run['onnx_bytes']:,}"])
    return table(["network", "size, %", "type, %", "angle, MAE", "processor time, s", "wall time, s", "bytes"], rows)


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
    runs = sorted(tomllib.loads(args.results.read_text())["run"], key=lambda run: run["model"])
    text = args.readme.read_text()
    for name, lines in (("accuracy", accuracy(runs)), ("parameters", parameters(runs)), ("runs", all_runs(runs))):
        text = fill(text, name, lines)
    args.readme.write_text(text)


if __name__ == "__main__":
    main()
