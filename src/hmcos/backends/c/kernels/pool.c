/* needs: pool_params columns lines */
