"""What the search over architectures found is ranked, chosen and compared by its stored runs alone."""

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse import experiments
from lstmcourse.experiments.studies import evolution, winner


def test_candidates_are_ranked_by_what_their_islands_stored():
    islands, ranked = experiments.load("islands").trials, winner.ranked()
    fits = [fit for fit, _ in ranked]
    assert fits == sorted(fits, reverse=True)
    # the best of an island is one of its candidates, or one of the two cells that it began with
    seeds = [
        min(t.values[f"{task} of -2"] / t.values[f"{task} of -1"] for task in evolution.TASKS)
        for t in islands
    ]
    best = max(t.values["best"] for t in islands)
    assert max(fits[0], 1.0, *seeds) == pytest.approx(best, rel=1e-5)  # six digits are stored
    passed = sum(t.values["passed"] for t in islands)
    assert len({a for _, a in ranked}) == len(ranked) <= passed <= evolution.CANDIDATES * len(islands)


def test_a_stored_candidate_learns_what_is_stored_of_it():
    """The architecture of a number is the one whose result was stored: replaying the island gives it back."""
    island = experiments.load("islands").trials[0]

    def stored(a, number):
        said = {task: island.values[f"{task} of {number}"] for task in evolution.TASKS}
        return said if np.isfinite(list(said.values())).all() else None

    for number, a, said in evolution.candidates(island.seed, stored):
        if number >= 0 and said:
            own = 1000 * island.seed + number + 2
            again = evolution.share(a, *evolution.TASKS["speakers"], own)
            assert again == pytest.approx(said["speakers"], abs=0.05)
            break


def test_the_winner_is_chosen_by_runs_that_did_not_choose_the_finalists():
    again = experiments.load("finalists")
    mean = {
        (rank, task): np.mean([t.values[task] for t in again.trials if t.point["rank"] == rank])
        for rank in range(-2, winner.FINALISTS)
        for task in evolution.TASKS
    }
    fit = [min(mean[r, t] / mean[-1, t] for t in evolution.TASKS) for r in range(winner.FINALISTS)]
    assert winner.found() == winner.ranked()[int(np.argmax(fit))][1]


def test_all_that_are_compared_have_as_many_parameters_at_most_and_nearly_so_many():
    sizes = {
        (t.point["task"], t.point["cell"]): int(t.values["units"])
        for t in experiments.load("searched_against_known").trials
    }
    for (task, name), units in sizes.items():
        counts = [
            lc.Model(winner._cell(name), winner.TASKS[task][0], hidden_size=units + more).parameter_count
            for more in (0, 1)
        ]
        assert counts[0] <= evolution.PARAMETERS < counts[1]
