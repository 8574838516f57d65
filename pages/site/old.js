// A classic script for browsers that do not know the modules of the pages: after a while it says so.
setTimeout(function () {
  if (document.getElementById("opening")) document.getElementById("old").hidden = false;
}, 15000);
