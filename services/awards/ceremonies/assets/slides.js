"use strict";
// Slides of a ceremony. All of them are in the page, so a network that goes away changes nothing.
(function () {
  var root = document.documentElement;
  var slides = Array.prototype.slice.call(document.querySelectorAll(".slide"));
  var seconds = Number(root.getAttribute("data-seconds"));
  var paused = document.getElementById("paused");
  var place = document.getElementById("place");
  var timer = 0;
  // The first slide waits for the presenter.
  var running = false;
  var now = Number(location.hash.slice(1)) || 0;

  function again() {
    clearTimeout(timer);
    paused.hidden = running;
    if (running && !root.classList.contains("black") && now < slides.length - 1) {
      timer = setTimeout(function () { show(now + 1); }, seconds * 1000);
    }
  }

  function show(number) {
    now = Math.max(0, Math.min(slides.length - 1, number));
    slides.forEach(function (slide, at) {
      slide.classList.toggle("now", at === now);
      slide.setAttribute("aria-hidden", String(at !== now));
    });
    place.textContent = (now + 1) + " / " + slides.length;
    // A reload comes back to the same slide.
    history.replaceState(null, "", "#" + now);
    again();
  }

  function fullScreen() {
    if (document.fullscreenElement) {
      document.exitFullscreen();
    } else if (root.requestFullscreen) {
      root.requestFullscreen();
    }
  }

  var keys = {
    ArrowRight: function () { show(now + 1); },
    ArrowDown: function () { show(now + 1); },
    PageDown: function () { show(now + 1); },
    ArrowLeft: function () { show(now - 1); },
    ArrowUp: function () { show(now - 1); },
    PageUp: function () { show(now - 1); },
    Home: function () { show(0); },
    End: function () { show(slides.length - 1); },
    " ": function () { running = !running; again(); },
    f: fullScreen,
    b: function () { root.classList.toggle("black"); again(); }
  };

  document.addEventListener("keydown", function (event) {
    var key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.prototype.hasOwnProperty.call(keys, key)) {
      return;
    }
    event.preventDefault();
    // A key that is held down would run through all slides.
    if (!event.repeat) {
      keys[key]();
    }
  });

  root.classList.add("running");
  show(now);
}());
