/** How the page looks: on a phone, in the dark, on paper. No font, image or script is loaded from anywhere. */
import { createHash } from 'node:crypto';

/**
 * Of a bar's colour: what it means is also said in words, in the legend and in the tables. All stand out from the
 * background by 3 : 1 at least, except what is merely out of service.
 */
export const STYLE = `
:root{color-scheme:light dark;
--bg:#fff;--card:#f6f7f9;--ink:#1a2029;--dim:#586172;--line:#dfe3e9;--link:#0b57c2;
--good:#0b7a55;--good-bg:#e2f5ec;--warn:#8a5300;--warn-bg:#fdf0d9;--bad:#b3202f;--bad-bg:#fdebec;
--launch:#8794a8;--boot:#4f86d9;--join:#a06ad0;--serve:#139a70;--old:#627389;--drain:#cf861c;--out:#c9ced6;--fail:#d0323f;--undo:#8a63c4;--agree:#8794a8}
@media (prefers-color-scheme:dark){:root{
--bg:#12161c;--card:#1a2029;--ink:#e8ebf0;--dim:#9fa9b8;--line:#303946;--link:#84b6ff;
--good:#56d6a5;--good-bg:#12372b;--warn:#f3bd66;--warn-bg:#3a2b10;--bad:#ff8f97;--bad-bg:#431a1f;
--launch:#7d8a9e;--boot:#5b93e6;--join:#b083e0;--serve:#21b386;--old:#8595ab;--drain:#dd9a36;--out:#3d4654;--fail:#f25f6b;--undo:#a883e0;--agree:#7d8a9e}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Hiragino Sans","Noto Sans JP",sans-serif;overflow-wrap:anywhere}
main{max-width:68rem;margin:0 auto;padding:2rem 1.25rem 3rem}
h1{font-size:1.75rem;line-height:1.2;margin:.6rem 0 .3rem;letter-spacing:-.01em}
h2{font-size:1.15rem;line-height:1.3;margin:2.75rem 0 .75rem}
h3{font-size:.95rem;margin:1.5rem 0 .4rem;color:var(--dim);font-weight:600}
p{margin:.4rem 0}
a{color:var(--link)}
small,.dim{color:var(--dim);font-size:.875rem}
code,.id,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
.badge{display:inline-block;padding:.15rem .7rem;border-radius:99px;font-weight:650;font-size:.9rem}
.good{color:var(--good);background:var(--good-bg)}.warn{color:var(--warn);background:var(--warn-bg)}.bad{color:var(--bad);background:var(--bad-bg)}
.why{border-left:4px solid currentColor;border-radius:.4rem;padding:.75rem 1rem;margin:1.1rem 0}
.why p{color:var(--ink)}.why p:first-child{margin-top:0}.why p:last-child{margin-bottom:0}
.facts{display:flex;flex-wrap:wrap;gap:.9rem 2.25rem;margin:1.25rem 0 0}
.facts div{min-width:6rem}.facts dt{color:var(--dim);font-size:.8rem}.facts dd{margin:0;font-weight:600;font-size:1.05rem;font-variant-numeric:tabular-nums}
figure{margin:0}
.chart{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.1rem}
.row{display:grid;grid-template-columns:12.5rem 1fr;gap:0 1rem;align-items:center;padding:.16rem 0}
.row>.name{font-size:.83rem;line-height:1.25;min-width:0}.row>.name small{display:block;font-size:.75rem}
.side{font-size:.8rem;font-weight:650;color:var(--dim);margin:.85rem 0 .1rem;padding-top:.6rem;border-top:1px solid var(--line)}
svg{display:block;width:100%;overflow:visible}
.axis text{fill:var(--dim);font-size:11px;font-variant-numeric:tabular-nums}
.grid{stroke:var(--line);stroke-width:1}
.word{fill:#fff;font-size:11.5px;font-weight:600}
@media (prefers-color-scheme:dark){.word{fill:#0c1016}}
.launch{fill:var(--launch)}.boot{fill:var(--boot)}.reserve{fill:var(--join);fill-opacity:.45}.join{fill:var(--join)}.serve{fill:var(--serve)}.old{fill:var(--old)}.drain{fill:var(--drain)}.out{fill:var(--out)}
.agree{fill:var(--agree)}.up{fill:var(--boot)}.shift{fill:var(--drain)}.watch{fill:var(--serve)}.remove{fill:var(--old)}.undo{fill:var(--undo)}.failed{fill:var(--fail)}
.halo{stroke:var(--card);stroke-width:6;stroke-linecap:round}.cross{stroke:var(--fail);stroke-width:2.5;stroke-linecap:round;fill:none}.moment{stroke:var(--fail);stroke-width:1.5;stroke-dasharray:3 3}
.before{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 4;opacity:.75}
.dot{fill:var(--bg);stroke:var(--ink);stroke-width:1.5}
.rest{fill:var(--line)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:1rem 0 0;font-size:.8rem;color:var(--dim)}
.legend svg{display:inline-block;width:12px;height:12px;margin-right:.4rem;vertical-align:-1px}
.scroll{overflow-x:auto;margin:.5rem 0}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
.caption{color:var(--dim);font-size:.85rem}
th,td{text-align:left;vertical-align:top;padding:.42rem .8rem .42rem 0;border-bottom:1px solid var(--line)}
thead th{color:var(--dim);font-weight:600;font-size:.8rem;white-space:nowrap}tbody th{font-weight:500}td.id{overflow-wrap:anywhere}td.dim{white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap}tr.sum>*{font-weight:650;border-bottom:0}
td.meter{width:26%;min-width:5rem;padding-top:.75rem}
.story{list-style:none;padding:0;margin:0}
.story li{display:grid;grid-template-columns:8.5rem 1fr;gap:0 1rem;padding:.5rem 0;border-bottom:1px solid var(--line)}
.story .at{color:var(--dim);font-size:.83rem;font-variant-numeric:tabular-nums}.story .at time{display:block;color:var(--ink)}
.story strong{display:block;font-size:.9rem}.story p{margin:0;font-size:.92rem}
.story .fails strong,.story .fails p{color:var(--bad)}
pre{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem .9rem;white-space:pre-wrap;margin:.4rem 0;line-height:1.45}
ul.links{padding-left:1.1rem}ul.links li{margin:.3rem 0}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line)}
@media (max-width:44rem){
body{font-size:15px}main{padding:1.25rem 1rem 2.5rem}h1{font-size:1.4rem}
.chart{padding:.75rem .8rem;border-radius:.6rem}
.row{grid-template-columns:1fr;padding:.35rem 0}.row>.name small{display:inline;margin-left:.5rem}
.word{display:none}
.story li{grid-template-columns:1fr}.story .at time{display:inline;margin-right:.6rem}
th,td{padding-right:.55rem}thead th,thead th.n{white-space:normal}tbody th .id{white-space:nowrap}td.meter,th.meter{display:none}.id{font-size:.78rem}}
@media print{
:root{--card:#fff}body{font-size:10pt}main{max-width:none;padding:0}
svg,.badge,.why{print-color-adjust:exact;-webkit-print-color-adjust:exact}
h2,h3{break-after:avoid}.row,li,tr,pre{break-inside:avoid}.scroll{overflow:visible}
a{color:inherit}}
`;

/** The page may use this style and load, run and send nothing, whatever a name or a console says. */
export const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
