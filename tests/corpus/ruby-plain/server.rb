require "socket"

server = TCPServer.new("0.0.0.0", ENV.fetch("PORT", 4000).to_i)
trap("TERM") { exit }
loop do
  client = server.accept
  client.gets
  body = "hello from ruby-plain\n"
  client.write "HTTP/1.1 200 OK\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}"
  client.close
end
