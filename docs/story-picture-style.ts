/** Colours and fonts of the picture, for light and dark pages alike: it brings its own background. */

/** By the class of a text; the layout reckons with the same. Sizes in px. */
export const FONT = {
  name: { size: 14 },
  /** What an end is called. */
  end: { size: 13, isBold: true },
  small: { size: 12 },
  title: { size: 17, isBold: true },
  noReturn: { size: 14, isBold: true },
} as const;

const LIGHT = `
:root{--sheet:#fff;--frame:#d0d7de;--act:#f6f8fa;--ink:#1f2328;--soft:#59636e;--box:#fff;--edge:#818b98;
--good:#dafbe1;--good-edge:#1a7f37;--undone:#fff8c5;--undone-edge:#9a6700;--bad:#ffebe9;--bad-edge:#cf222e;
--refused:#eaeef2;--refused-edge:#59636e;--fails:#bc4c00}`;
const DARK = `
@media (prefers-color-scheme:dark){:root{--sheet:#0d1117;--frame:#3d444d;--act:#151b23;--ink:#f0f6fc;--soft:#9198a1;
--box:#212830;--edge:#656c76;--good:#12331c;--good-edge:#3fb950;--undone:#362a08;--undone-edge:#d29922;
--bad:#3c1618;--bad-edge:#f85149;--refused:#262c36;--refused-edge:#9198a1;--fails:#db8d54}}`;

export const PICTURE_STYLE = `${LIGHT}${DARK}
text{font-family:-apple-system,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif;fill:var(--ink)}
.name{font-size:${FONT.name.size}px;font-weight:500}.small{font-size:${FONT.small.size}px;fill:var(--soft)}
.act-title{font-size:${FONT.title.size}px;font-weight:600}
.sheet{fill:var(--sheet);stroke:var(--frame)}.act{fill:var(--act)}
rect,polygon{stroke-width:1.2}.step rect,.start rect,.question polygon{fill:var(--box);stroke:var(--edge)}
.question .name{font-style:italic}
.good rect{fill:var(--good);stroke:var(--good-edge)}.undone rect{fill:var(--undone);stroke:var(--undone-edge)}
.bad rect{fill:var(--bad);stroke:var(--bad-edge)}.refused rect{fill:var(--refused);stroke:var(--refused-edge)}
.end .name{font-size:${FONT.end.size}px;font-weight:700}.end .small{fill:var(--ink)}
path{fill:none}.next,.back{stroke:var(--edge);stroke-width:1.5}.fails{stroke:var(--fails);stroke-width:1.3;stroke-dasharray:4 3}
.next-head,.back-head{fill:var(--edge)}.fails-head{fill:var(--fails)}.loop{stroke:var(--soft);stroke-width:1.5}
.no-return{stroke:var(--bad-edge);stroke-width:2;stroke-dasharray:8 5}
.no-return-title{font-size:${FONT.noReturn.size}px;font-weight:700;fill:var(--bad-edge)}
`;
