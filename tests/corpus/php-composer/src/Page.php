<?php

namespace Shop;

use Greeting\Greeting;

final class Page
{
    public function __toString(): string
    {
        $number = (new \NumberFormatter("de", \NumberFormatter::DECIMAL))->format(1234.5);
        return "<p>" . Greeting::to("php-composer") . ", $number</p>";
    }
}
