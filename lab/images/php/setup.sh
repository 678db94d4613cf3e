# The places and the behaviour of the official image: its own ini folder, logs to the container's
# output, Apache's settings from the environment, and room to run as any user.
set -e
mkdir -p "$PHP_INI_DIR" /var/www/html
cp /usr/lib/php/*/php.ini-production /usr/lib/php/*/php.ini-development "$PHP_INI_DIR/"
for sapi in cli apache2; do
  folder=/etc/php/$PHP_VERSION/$sapi
  if [ -d "$folder" ]; then
    rm -f "$folder/php.ini"
    ln -s "$PHP_INI_DIR/php.ini" "$folder/php.ini"
  fi
done
mkdir "$PHP_INI_DIR/conf.d"
for scan in /etc/php/"$PHP_VERSION"/*/conf.d; do
  printf '; also read: %s\n' "$PHP_INI_DIR/conf.d" >"$scan/00-place.ini"
done
chown www-data:www-data /var/www/html
chmod 1777 /var/www/html
[ "$1" = apache ] || exit 0
sed -ri 's/^export ([^=]+)=(.*)$/: ${\1:=\2}\nexport \1/' /etc/apache2/envvars
. /etc/apache2/envvars
for folder in "$APACHE_LOCK_DIR" "$APACHE_RUN_DIR" "$APACHE_LOG_DIR"; do
  rm -rf "$folder"
  install -d -o "$APACHE_RUN_USER" -g "$APACHE_RUN_GROUP" -m 1777 "$folder"
done
ln -sfT /dev/stderr "$APACHE_LOG_DIR/error.log"
ln -sfT /dev/stdout "$APACHE_LOG_DIR/access.log"
ln -sfT /dev/stdout "$APACHE_LOG_DIR/other_vhosts_access.log"
rm -f /var/www/html/index.html
printf '<Directory /var/www/>\n\tOptions -Indexes\n\tAllowOverride All\n</Directory>\n' \
  >/etc/apache2/conf-available/docker-php.conf
printf 'DirectoryIndex disabled\nDirectoryIndex index.php index.html\n' \
  >>/etc/apache2/conf-available/docker-php.conf
a2enconf -q docker-php
