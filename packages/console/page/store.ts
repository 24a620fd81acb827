/** What there is to show, and the one way in which it changes. */
export interface Store<State, Message> {
  readonly state: State
  send(message: Message): void
  /** Calls after each change. */
  onChange(listener: () => void): void
}

export function createStore<State, Message>(
  first: State,
  reduce: (state: State, message: Message) => State,
): Store<State, Message> {
  const listeners: (() => void)[] = []
  let state = first
  return {
    get state() {
      return state
    },
    send(message) {
      const next = reduce(state, message)
      if (next === state) return
      state = next
      for (const listener of listeners) listener()
    },
    onChange(listener) {
      listeners.push(listener)
    },
  }
}
