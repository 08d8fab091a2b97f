# SPDX-License-Identifier: Apache-2.0
# As in config.ru: what answers to `call`.
APP = lambda do |env|
  return [404, { "content-type" => "text/plain" }, ["not here\n"]] unless env["PATH_INFO"] == "/"
  body = env["rack.input"].read
  ["#{env["REQUEST_METHOD"]} from ruby #{RUBY_VERSION}", "sent: #{body}", "draw: #{rand(1 << 30)}"]
    .then { |lines| [200, { "content-type" => "text/plain" }, [lines.join("\n"), "\n"]] }
end
