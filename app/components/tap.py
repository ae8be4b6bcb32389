"""Clicks on the cells of a map that fills its plot: Streamlit passes on clicks on Plotly's points, but not on its heat maps."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

_JS = """
export default function (component) {
  const { data, setTriggerValue } = component;
  const shown = document.querySelector(`.st-key-${CSS.escape(data.container)}`);
  if (!shown) return;
  const [rows, columns] = data.shape, listening = new AbortController();
  let down = null;
  const cell = e => {
    const area = shown.querySelector('.nsewdrag')?.getBoundingClientRect();
    if (!area) return null;
    const x = (e.clientX - area.left) / area.width, y = (e.clientY - area.top) / area.height;
    return x < 0 || x >= 1 || y < 0 || y >= 1 ? null : [Math.floor(y * rows), Math.floor(x * columns)];
  };
  // pointerdown and pointerup, as Plotly covers the page with a sheet of its own in between and no click comes through
  document.addEventListener('pointerdown', e => {
    down = shown.contains(e.target) ? cell(e) : null;
  }, { capture: true, signal: listening.signal });
  document.addEventListener('pointerup', e => {
    const up = cell(e);
    if (down && up && down[0] === up[0] && down[1] === up[1]) setTriggerValue('picked', up);
    down = null;
  }, { capture: true, signal: listening.signal });
  return () => listening.abort();
}
"""

_tap = st.components.v2.component("cutaway_tap", html="<span></span>", js=_JS)


def tap(container: str, shape: tuple[int, int], *, key: str, on_pick: Callable[[int, int], None]) -> None:
    """Call `on_pick(row, column)` when a cell of the map in the st.container of that key is clicked on, before the next run.

    The map has `shape` (rows, columns), the first row on top, and nothing around its cells. It is for the pointer: whoever
    uses the keyboard needs another way to the same choice.
    """

    def picked() -> None:
        found = st.session_state[key].get("picked")
        if found is not None:
            on_pick(int(found[0]), int(found[1]))

    _tap(key=key, data={"container": container, "shape": list(shape)}, on_picked_change=picked)
