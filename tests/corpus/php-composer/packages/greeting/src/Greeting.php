<?php

namespace Greeting;

final class Greeting
{
    public static function to(string $whom): string
    {
        return "hello from $whom";
    }
}
