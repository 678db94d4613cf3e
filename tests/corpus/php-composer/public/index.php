<?php

require __DIR__ . '/../vendor/autoload.php';

if (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) === '/health') {
    echo 'ok';
    exit;
}
echo new Shop\Page();
