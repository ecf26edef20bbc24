SELECT * FROM {{ this() }}
