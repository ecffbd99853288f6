"use strict";
(() => {
  const data = JSON.parse(document.getElementById("steps").textContent);
  const picture = document.getElementById("rows"), cursor = document.getElementById("rows-cursor");
  const told = document.getElementById("rows-told"), resting = told.textContent;
  const left = Number(picture.dataset.left), width = Number(picture.dataset.width);
  const show = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
    const step = Math.floor((point.x - left) / width * data.live.length);
    if (!(step >= 0 && step < data.live.length)) { hide(); return; }
    const x = left + width * (step + 0.5) / data.live.length;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    cursor.style.visibility = "visible";
    const runs = data.steps.length ? `${data.titles[data.steps[step][0]]}, step ${data.steps[step][1]}` : "nothing runs";
    told.textContent = `Step ${step.toLocaleString("en")}: ${runs}; ${data.live[step].toLocaleString("en")} bytes in use`;
  };
  const hide = () => { cursor.style.visibility = "hidden"; told.textContent = resting; };
  picture.addEventListener("pointermove", show);
  picture.addEventListener("pointerleave", hide);
})();
