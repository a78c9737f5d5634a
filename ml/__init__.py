"""Models over gold features: one room per task, each with the same four doors.

`features` reads gold, `train` fits with Spark MLlib and registers the champion, `score` writes the predictions to
`ml.*`, `evaluate` holds the measures. `tasks.TASKS` is what the command line and the main job call.
"""
