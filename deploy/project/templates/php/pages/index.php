<?php
// SPDX-License-Identifier: Apache-2.0
// @NAME@ answers "Hello, <name>!" to /?name=... Other pages are other files of this folder; what is
// done once for all requests stands at the top of front.php.
$name = $_GET['name'] ?? 'world';
header('Content-Type: text/plain; charset=utf-8');
echo "Hello, $name!\n";
