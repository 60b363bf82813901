"""The tutorials that ship inside Metaflow, with their data: flows that nobody here has written.

04 needs a conda channel and 05 a Kubernetes, as `needs` says; 06 to 08 are notebooks only.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import shutil
from pathlib import Path

import pytest

needs = pytest.mark.needs
SHIPPED = Path(importlib.util.find_spec("metaflow").origin).parent / "tutorials"


@pytest.fixture
def tutorials(tmp_path):
    """A copy in which the tutorials stand beside each other, as they expect."""
    ignore = shutil.ignore_patterns("__pycache__", "*.ipynb")
    return shutil.copytree(SHIPPED, tmp_path / "tutorials", ignore=ignore)


@pytest.fixture(scope="module")
def movies():
    with (SHIPPED / "01-playlist" / "movies.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_movies(path, movies):
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, movies[0])
        writer.writeheader()
        writer.writerows(movies)


def titles_of(movies, genre):
    return {movie["movie_title"] for movie in movies if genre in movie["genres"].lower()}


@needs("linear")
@pytest.mark.smoke
def test_00_helloworld(mf_flow, tutorials):
    run = mf_flow(tutorials / "00-helloworld" / "helloworld.py")

    assert [task.step for task in run.tasks] == ["start", "hello", "end"]
    assert "Metaflow says: Hi!" in run.task("hello").stdout


@needs("branch", "join", "parameters")
@pytest.mark.smoke
def test_01_playlist(mf_flow, tutorials, movies):
    run = mf_flow(
        tutorials / "01-playlist" / "playlist.py", parameters={"genre": "comedy"}, compare=False
    )

    picks = re.findall(r"^Pick \d+: '(.*)'$", run.task("end").stdout, re.MULTILINE)
    assert len(picks) == 5
    assert set(picks) <= titles_of(movies, "comedy")
    assert "Bonus Pick: " in run.task("end").stdout


@needs("foreach", "join", "parameters")
def test_02_statistics(mf_flow, tutorials, movies):
    # Its genres come out of a set: the order of its foreach is another one in every process.
    run = mf_flow(tutorials / "02-statistics" / "stats.py", compare=False)

    genres = {genre for movie in movies for genre in movie["genres"].split("|")}
    work = run.step("compute_statistics")
    assert {task.artifacts["genre"].value for task in work} == genres
    assert all(len(task.artifacts["quartiles"].value) == 3 for task in work)


@needs("foreach", "branch", "join", "parameters", "user_namespace", "client")
def test_03_playlist_redux(mf_flow, tutorials, movies):
    """It reads the newest run of 02 through Metaflow's client."""
    few = {"Action", "Adventure", "Sci-Fi"}
    chosen = [movie for movie in movies if set(movie["genres"].split("|")) <= few]
    write_movies(tutorials / "02-statistics" / "movies.csv", chosen)
    mf_flow(tutorials / "02-statistics" / "stats.py", name="statistics", compare=False)

    playlist = mf_flow(
        tutorials / "03-playlist-redux" / "playlist.py",
        name="playlist",
        compare=False,
        parameters={"genre": "sci-fi"},
    )

    picks = re.findall(r"^Pick \d+: '(.*)'$", playlist.task("end").stdout, re.MULTILINE)
    assert len(picks) == 5
    assert set(picks) <= titles_of(chosen, "sci-fi")


@needs("conda")
def test_04_playlist_plus(mf_flow, tutorials):
    """It makes a conda environment, for which a conda channel has to be reached."""
    mf_flow(tutorials / "02-statistics" / "stats.py", name="statistics", compare=False)

    run = mf_flow(tutorials / "04-playlist-plus" / "playlist.py", name="playlist", compare=False)

    assert run.value("end", "playlist")


@needs("kubernetes")
def test_05_hello_cloud(mf_flow, backend, tutorials):
    # Its @retry waits two minutes between attempts: a probe where there is no cluster is cut short.
    limit = None if backend.has("kubernetes") else 60

    run = mf_flow(tutorials / "05-hello-cloud" / "hello-cloud.py", timeout=limit)

    assert "Metaflow says: Hi" in run.task("hello").stdout
