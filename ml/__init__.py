"""Models over gold features: one room per task, each with the same doors.

`features` reads gold, `train` fits and registers a model, `score` writes what the champion predicts to `ml.*`,
`evaluate` holds the measures; `compare` says which of two models is better (`promotion`, `comparisons`, `champions`).
`tasks.TASKS` is what the command line and the main job call.
"""
