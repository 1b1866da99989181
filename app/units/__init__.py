"""Unit files of systemd and agents of launchd, as text from facts. PURE."""
