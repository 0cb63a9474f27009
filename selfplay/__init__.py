"""Self-play and learning: games are played, stored, replayed and learned from.

records    finished games as columns
shards     those columns as the bytes of one file
store      the shards of a run: one writer, any number of readers
rundir     the folder of a run: config, lock, log, checkpoints
ladder     which weights-only checkpoints stay
"""
