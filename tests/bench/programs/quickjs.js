// SPDX-License-Identifier: Apache-2.0
'use strict';

function fib(n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

class Point {
    constructor(x, y) {
        this.x = x;
        this.y = y;
    }
    add(other) {
        return new Point(this.x + other.x, this.y + other.y);
    }
}

(() => {
    let sum = fib(19);

    const items = [];
    for (let i = 0; i < 5000; i++) {
        items.push({ key: 'n' + (i * 7919 % 10007), value: i });
    }
    items.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
    const text = JSON.stringify(items);
    for (const item of JSON.parse(text)) {
        sum += item.value % 3;
    }
    sum += text.match(/n\d+5"/g).length;
    sum += text.replace(/"key":"n(\d)/g, '$1').length;

    let letters = '';
    for (let i = 0; i < 10000; i++) {
        letters += String.fromCharCode(97 + i % 26);
    }
    sum += letters.split('z').length;

    const counts = new Map();
    for (let i = 0; i < 10000; i++) {
        counts.set(i % 997, (counts.get(i % 997) || 0) + i);
    }
    for (const count of counts.values()) {
        sum += count % 13;
    }

    let point = new Point(0, 0);
    for (let i = 0; i < 10000; i++) {
        point = point.add({ x: i, y: 0.5 });
    }
    const squares = Array.from({ length: 10000 }, (_, i) => i).map(i => i * i)
        .filter(i => i % 3 === 0).reduce((a, b) => a + b, 0);
    const bytes = new Uint8Array(15000);
    for (let i = 0; i < bytes.length; i++) {
        bytes[i] = i * 31 ^ bytes[i >> 1];
    }
    return [sum, point.x, point.y, squares, bytes.reduce((a, b) => (a * 33 + b) >>> 0, 0)].join();
})();
