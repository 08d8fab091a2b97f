<?php
// SPDX-License-Identifier: Apache-2.0
header('Content-Type: application/json');
setcookie('visits', (string) (1 + (int) ($_COOKIE['visits'] ?? 0)));
echo json_encode(['method' => $_SERVER['REQUEST_METHOD'], 'sent' => $_POST,
                  'draw' => mt_rand(), 'token' => bin2hex(random_bytes(8))]), "\n";
