/** Pixels: a little more or less of room moves nothing. */
const STEP = 8

/** Tells how wide the map may be, whenever that changes. */
export function keepWidth(onWidth: (width: number) => void): { watch(element: Element | null): void } {
  const observer = new ResizeObserver((entries) => {
    const width = entries.at(-1)?.contentRect.width ?? 0
    if (width > 0) onWidth(Math.floor(width / STEP) * STEP)
  })
  let watched: Element | null = null
  return {
    watch(element) {
      if (element === watched) return
      if (watched !== null) observer.unobserve(watched)
      if (element !== null) observer.observe(element)
      watched = element
    },
  }
}
