from django.shortcuts import render

from greetings.models import Greeting


def home(request):
    Greeting.objects.create(text="hello")
    return render(request, "home.html", {"count": Greeting.objects.count()})
