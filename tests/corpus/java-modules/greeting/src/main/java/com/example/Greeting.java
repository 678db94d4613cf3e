package com.example;

public final class Greeting {
    private Greeting() {}

    public static String text() {
        return "hello from java-modules\n";
    }
}
