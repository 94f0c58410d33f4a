#!/bin/sh
# Chromium, without what it makes for windows that nobody sees: the list of its address bar is a page of its own,
# which every context loads anew (half a second of calculation), and a spare renderer is begun for a tab that never
# comes. Chromium takes one list of features to leave out, and Playwright gives one: this adds to it.
for argument; do
  shift
  case $argument in
    --disable-features=*)
      argument=$argument,WebUIOmniboxPopup,WebUIOmniboxFullPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess
      ;;
  esac
  set -- "$@" "$argument"
done
exec "$TROUPE_TEST_CHROMIUM" "$@"
