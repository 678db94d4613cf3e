from site_of_one import create_app

app = create_app()
