<?php
// SPDX-License-Identifier: Apache-2.0
// What is above the checkpoint is done once, when the function is deployed: load libraries here.
// Each request goes on below it, with what PHP would have found in its environment.

file_get_contents('/dev/skerry/checkpoint');
mt_srand(random_int(0, PHP_INT_MAX));

foreach (explode("\0", file_get_contents('/dev/skerry/environ')) as $row) {
    if ($row !== '') {
        [$name, $value] = explode('=', $row, 2);
        $_SERVER[$name] = $_ENV[$name] = $value;
        putenv($row);
    }
}
$_SERVER['REQUEST_TIME'] = time();
$_SERVER['REQUEST_TIME_FLOAT'] = microtime(true);
parse_str($_SERVER['QUERY_STRING'] ?? '', $_GET);
$type = strtolower(trim(explode(';', $_SERVER['CONTENT_TYPE'] ?? '')[0]));
if ($type === 'application/x-www-form-urlencoded') {
    parse_str(file_get_contents('/dev/skerry/stdin'), $_POST);
}
foreach (explode(';', $_SERVER['HTTP_COOKIE'] ?? '') as $row) {
    $pair = explode('=', trim($row), 2);
    if (count($pair) === 2) {
        $_COOKIE[$pair[0]] = urldecode($pair[1]);
    }
}
$_REQUEST = $_POST + $_GET;

$page = trim($_SERVER['PATH_INFO'] ?? '', '/');
$page = $page === '' ? 'index' : $page;
$file = "/pages/$page.php";
if (!preg_match('#^[a-z0-9_/-]+$#', $page) || !is_file($file)) {
    http_response_code(404);
    header('Content-Type: text/plain');
    echo "no such page\n";
    exit;
}
require $file;
while (ob_get_level() > 0) {
    ob_end_flush();
}
flush();
file_get_contents('/dev/skerry/exit'); // PHP would tear down what nobody needs again
