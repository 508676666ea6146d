# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
"""Plots as SVG inside an HTML page: latency tails on logarithmic axes, and figures with intervals."""

import math
from html import escape

# To be seen on white and on black.
COLOURS = ("#4a7fc9", "#d9733a", "#2f9a68", "#b05fc0", "#a8861f", "#888888", "#d94f70", "#1f95a5")
WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 20, 50


class Axis:
    """Maps values to pixels; logarithmic, whole decades."""

    def __init__(self, low, high, start, end):
        self.low = math.floor(math.log10(low))
        self.high = max(math.ceil(math.log10(high) - 1e-9), self.low + 1)
        self.start, self.end = start, end

    def at(self, value):
        place = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * min(max(place, 0), 1)

    def decades(self):
        return [10.0 ** e for e in range(self.low, self.high + 1)]


def _line(x1, y1, x2, y2, style="grid"):
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x, y, text, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(text)}</text>'


def decade_name(value, unit):
    """Of microseconds, with the unit people would use."""
    if unit == "us":
        for limit, factor, name in ((1e6, 1e6, "s"), (1e3, 1e3, "ms"), (0, 1, "us")):
            if value >= limit:
                return f"{value / factor:g} {name}"
    return f"{value:g}"


def _svg(parts, height, title):
    return (f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
            + "".join(parts) + "</svg>")


def tails(series, title, unit="us"):
    """
    Share of samples later than x, both axes logarithmic. `series` is a list of
    (name, [(value, share above)]); a tail reaches down to one in all its samples.
    """
    points = [(v, s) for _, line in series for v, s in line if v > 0 and s > 0]
    if not points:
        return ""
    x = Axis(min(v for v, _ in points), max(v for _, line in series for v, _ in line if v > 0),
             LEFT, WIDTH - RIGHT)
    y = Axis(min(s for _, s in points), 1, HEIGHT - BOTTOM, TOP)
    parts = []
    for value in x.decades():
        parts += [_line(x.at(value), TOP, x.at(value), HEIGHT - BOTTOM),
                  _text(x.at(value), HEIGHT - BOTTOM + 18, decade_name(value, unit))]
    for share in y.decades():
        parts += [_line(LEFT, y.at(share), WIDTH - RIGHT, y.at(share)),
                  _text(LEFT - 8, y.at(share) + 4, f"{share:g}", "end")]
    for index, (_, line) in enumerate(series):
        parts.append(_tail_path(line, x, y, COLOURS[index % len(COLOURS)]))
    parts += [_text((LEFT + WIDTH) / 2, HEIGHT - 10, title),
              _text(16, HEIGHT / 2, "share of samples above", "middle",
                    f' transform="rotate(-90 16 {HEIGHT / 2})"')]
    return _svg(parts, HEIGHT, title) + legend([name for name, _ in series])


def _tail_path(line, x, y, colour):
    """Steps; the last one goes down to the axis at the greatest value."""
    path, share = [f"M{LEFT:.1f},{y.at(1):.1f}"], 1.0
    for value, above in line:
        if value <= 0:
            continue
        path.append(f"L{x.at(value):.1f},{y.at(share):.1f}")
        share = above if above > 0 else 10.0 ** y.low
        path.append(f"L{x.at(value):.1f},{y.at(share):.1f}")
    return f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="2"/>'


def legend(names):
    items = "".join(f'<span><i style="background:{COLOURS[i % len(COLOURS)]}"></i>{escape(n)}</span>'
                    for i, n in enumerate(names))
    return f'<p class="legend">{items}</p>'


def bars(entries, title, unit):
    """One bar for each (name, {"value", "low", "high"}), with the interval as a line."""
    known = [(i, n, e) for i, (n, e) in enumerate(entries) if e and e["value"] is not None]
    if not known:
        return ""
    most = max(max(e["value"], e["high"] or 0) for _, _, e in known) or 1
    step, left = 30, 170
    height = 30 + step * len(known)

    def at(value):
        return left + (WIDTH - left - 150) * max(value, 0) / most
    parts = [_text(left, 16, f"{title}{f' ({unit})' if unit else ''}", "start")]
    for row, (index, name, entry) in enumerate(known):
        top, end = 26 + step * row, at(entry["value"])
        parts.append(_text(left - 8, top + 15, name, "end"))
        parts.append(f'<rect x="{left}" y="{top}" width="{max(end - left, 1):.1f}" height="20" '
                     f'fill="{COLOURS[index % len(COLOURS)]}" fill-opacity="0.75"/>')
        reach = end
        if entry["low"] is not None:
            reach = max(end, at(entry["high"]))
            parts.append(_line(at(entry["low"]), top + 10, at(entry["high"]), top + 10, "interval"))
        parts.append(_text(reach + 8, top + 15, f"{entry['value']:.4g}", "start"))
    return _svg(parts, height, title)
