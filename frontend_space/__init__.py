"""The web page: Gradio in front of the API, or of a whole stack that it starts itself."""
