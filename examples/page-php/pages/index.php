<?php // SPDX-License-Identifier: Apache-2.0 ?>
<!doctype html>
<title>PHP</title>
<p>hello, <?= htmlspecialchars($_GET['name'] ?? 'world') ?>
