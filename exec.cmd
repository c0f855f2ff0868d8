@rem What `exec` does in the sh of other platforms: npm start runs in cmd on Windows.
@%*
