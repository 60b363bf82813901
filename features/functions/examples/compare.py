"""Bind two runs, compare them over many houses, and export the newer: `python compare.py`."""

from metaflow import Flow, JsonFunction, function_from_json
from pricing import price, worth_a_visit

HOUSES = [{"district": d, "area": 10.0 * n} for d in ("north", "south") for n in range(1, 11)]
HOUSES.append({"district": "moon", "area": 1.0})  # nothing was sold there


def bound(run):
    return JsonFunction(price, task=run["train"].task, example=HOUSES[0])


def main():
    newer, older = (bound(run) for run in list(Flow("PricesFlow"))[:2])
    with newer, older:
        rows = zip(
            newer.map(HOUSES, on_error="skip"), older.map(HOUSES, on_error="skip"), strict=True
        )
        print("dearer by", round(sum(a["euros"] / b["euros"] for a, b in rows) / 20, 3))
        print(
            "failed:", *[row for row in newer.map(HOUSES, on_error="return") if "Error" in str(row)]
        )

    visits = JsonFunction(worth_a_visit, task=Flow("PricesFlow").latest_run["end"].task)
    with function_from_json(newer.reference, workers=2) | visits as pipeline:
        print("worth a visit:", sum(pipeline.map(HOUSES, on_error="skip")), "of", len(HOUSES))
    print(newer.export("prices.zip", include_artifacts=True))


if __name__ == "__main__":
    main()
