"""PNG and SVG of a Plotly figure or of a sheet of HTML, made in the visitor's browser from what is on the screen."""

from __future__ import annotations

import streamlit as st

_JS = """
export default function (component) {
  const { parentElement, data } = component;
  const take = (kind) => {
    const shown = document.querySelector(`.st-key-${CSS.escape(data.container)}`);
    const plot = shown?.querySelector('.js-plotly-plot'), sheet = shown?.querySelector('[data-sheet]');
    if (!plot && !sheet) return;
    const box = (plot || sheet).getBoundingClientRect();
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    svg.setAttribute('width', box.width); svg.setAttribute('height', box.height);
    const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    ground.setAttribute('width', '100%'); ground.setAttribute('height', '100%');
    ground.setAttribute('fill', getComputedStyle(document.querySelector('.stApp')).backgroundColor);
    svg.append(ground);
    plot?.querySelectorAll('.main-svg').forEach(layer => svg.append(layer.cloneNode(true)));
    if (sheet) {
      const page = document.createElementNS('http://www.w3.org/2000/svg', 'foreignObject'), look = getComputedStyle(sheet);
      page.setAttribute('width', '100%'); page.setAttribute('height', '100%');
      const copy = sheet.cloneNode(true);
      for (const key of ['color', 'fontFamily', 'fontSize', 'lineHeight']) copy.style[key] = look[key];
      page.append(...[...shown.querySelectorAll('style')].map(s => s.cloneNode(true)), copy); svg.append(page);
    }
    svg.querySelectorAll('.drag, .hoverlayer').forEach(n => n.remove());
    const text = new XMLSerializer().serializeToString(svg);
    const file = new Blob([text], {type: 'image/svg+xml'});
    const save = (blob) => {
      const a = document.createElement('a'); a.href = URL.createObjectURL(blob);
      a.download = `${data.name}.${kind}`; a.click(); setTimeout(() => URL.revokeObjectURL(a.href), 1000);
    };
    if (kind === 'svg') return save(file);
    const image = new Image();
    image.onload = () => {
      const c = document.createElement('canvas'); c.width = 2 * box.width; c.height = 2 * box.height;
      c.getContext('2d').drawImage(image, 0, 0, c.width, c.height); c.toBlob(save);
    };
    image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
  };
  parentElement.querySelectorAll('button').forEach(b => { b.onclick = () => take(b.dataset.kind); });
}
"""

_CSS = """
button { font: inherit; color: var(--st-text-color); background: var(--st-background-color); cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); padding: .35rem .75rem; margin-right: .4rem; }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""

_buttons = st.components.v2.component(
    "cutaway_save_as",
    html='<button type="button" data-kind="png">PNG</button><button type="button" data-kind="svg">SVG</button>',
    css=_CSS,
    js=_JS,
)


def save_as(container: str, name: str) -> None:
    """Two buttons that save what the st.container of that key shows as `name`.png or `name`.svg.

    It holds a Plotly figure, or HTML with an element that has the attribute `data-sheet`.
    """
    _buttons(key=f"save-{container}", data={"container": container, "name": name})
