import falcon


class Home:
    def on_get(self, request, response):
        response.text = "hello from python-pyproject"


app = falcon.App()
app.add_route("/", Home())
