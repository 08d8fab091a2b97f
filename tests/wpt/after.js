    // What never ends is ended here; what it has said by then is told.
    let finish;
    const finished = new Promise((resolve) => { finish = resolve; });
    add_completion_callback((tests, status) => finish([...tests, ...(status.status === 0 ? [] : [{ name: "(the harness)", status: status.status, message: status.message }])]));
    const patience = setTimeout(() => globalThis.timeout(), 20000);
    const rows = await finished;
    clearTimeout(patience);
    return Response.json(rows.map(({ name, status, message }) => ({ name, status, message })));
})()));
