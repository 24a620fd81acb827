// Loaded before a program that was started with a channel to its parent: it is asked to end when the parent is gone,
// however that went.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.channel?.unref()
